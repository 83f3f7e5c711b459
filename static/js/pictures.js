/*
  Brings pictures while somebody writes: <fieldset data-pictures-for="id" data-pictures-url="/…" …>, see the macro pictures.
  POSTs picture, words and csrf_token and expects JSON with "markdown"; without script the pictures come with the form.
*/
const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

for (const box of document.querySelectorAll("[data-pictures-for]")) bind(box);

function bind(box) {
  const field = document.getElementById(box.dataset.picturesFor);
  const chooser = box.querySelector("input[type=file]");
  const words = box.querySelector("input[type=text]");
  const state = box.querySelector("[data-pictures-state]");
  box.querySelector("[data-pictures-how]").hidden = false;
  let line = Promise.resolve();

  const say = (sentence, failed = false) => {
    state.textContent = sentence;
    state.classList.toggle("pictures__state--failed", failed);
  };
  const bring = (files) => {
    for (const file of files) line = line.then(() => bringOne(file));
  };
  const bringOne = async (file) => {
    if (!TYPES.includes(file.type)) return say(box.dataset.picturesForeign, true);
    if (file.size > Number(box.dataset.picturesLargest)) return say(box.dataset.picturesHeavy, true);
    say(box.dataset.picturesUnderway);
    const described = words.value.trim();
    const body = new FormData();
    body.set("picture", file);
    body.set("words", described || box.dataset.picturesWords);
    body.set("csrf_token", box.dataset.picturesToken);
    try {
      const answer = await fetch(box.dataset.picturesUrl, { method: "POST", body, credentials: "same-origin" });
      const isJson = /json/.test(answer.headers.get("Content-Type") ?? "");
      if (!isJson) return say(box.dataset.picturesFailed, true);
      const told = await answer.json();
      if (!answer.ok) return say(told.detail, true);
      insert(field, told.markdown, !described);
      words.value = "";
      say(described ? box.dataset.picturesDescribed : box.dataset.picturesDone);
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      say(box.dataset.picturesFailed, true); // the connection went
    }
  };

  chooser.addEventListener("change", () => {
    bring([...chooser.files]);
    chooser.value = ""; // it must not come a second time with the form
  });
  field.addEventListener("paste", (event) => {
    const files = picturesOf(event.clipboardData);
    // A spreadsheet brings its cells as text and as a picture: then the text is meant.
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    bring(files);
  });
  for (const name of ["dragenter", "dragover"]) {
    field.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      field.classList.add("input--dropping");
    });
  }
  for (const name of ["dragleave", "drop"]) field.addEventListener(name, () => field.classList.remove("input--dropping"));
  field.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    bring([...event.dataTransfer.files]);
  });
}

function picturesOf(data) {
  return [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}

/* The words of the last picture may just have been written: the next one does not go into its brackets. */
function behindPicture(text, at) {
  for (const found of text.matchAll(/!\[[^\]]*\]\([^)\s]*\)/g)) {
    const end = found.index + found[0].length;
    if (found.index < at && at < end) return end;
  }
  return at;
}

/* On a line of its own where the cursor is; what it shows is marked, so that typing says it. */
function insert(field, markdown, marked) {
  const at = behindPicture(field.value, field.selectionEnd);
  const before = field.value.slice(0, at);
  const gap = !before.trim() || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  field.setRangeText(`${gap}${markdown}\n\n`, at, at, "end");
  if (marked) {
    const start = at + gap.length + 2;
    field.focus();
    field.setSelectionRange(start, start + markdown.indexOf("]") - 2);
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
