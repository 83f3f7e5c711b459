/*
  Keeps what is typed into a form, on this device and, with an address, on the server.
  <form data-draft-key="ask-7" [data-draft-url="/drafts/ask"]> … {{ draft_notice() }} … </form>
  A field with data-draft-skip is left out; one with data-draft-follows comes back with the others and asks for nothing by itself. The page after a successful submit holds data-draft-done="ask-7".
  <form data-draft-forget-all> (signing out) removes every draft from this device.
*/
const PREFIX = "klinke:draft:";
const LIFETIME = 30 * 24 * 60 * 60 * 1000;
const PAUSE = { device: 300, server: 3000 };
const SKIPPED = ["hidden", "password", "file", "submit", "button", "image", "reset", "search"];

for (const mark of document.querySelectorAll("[data-draft-done]")) forget(mark.dataset.draftDone);
for (const form of document.querySelectorAll("form[data-draft-key]")) keep(form);
for (const form of document.querySelectorAll("form[data-draft-forget-all]")) form.addEventListener("submit", forgetAll);

function keep(form) {
  const key = form.dataset.draftKey;
  const asServed = valuesOf(form);
  const state = form.querySelector("[data-draft-state]");
  let changed = false;
  let timers = {};

  const say = (name) => {
    if (!state?.dataset[name]) return;
    state.textContent = state.dataset[name];
    state.classList.toggle("draft-state--offline", name === "draftOffline");
    state.hidden = false;
  };
  const saveHere = () => {
    if (changed && store(key, valuesOf(form))) say(navigator.onLine ? "draftLocal" : "draftOffline");
  };
  const saveThere = async () => {
    if (!changed || !form.dataset.draftUrl || !navigator.onLine) return;
    try {
      const answer = await fetch(form.dataset.draftUrl, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (answer.ok && !answer.redirected) say("draftSaved");
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      say("draftOffline"); // the connection went; the copy on this device stands, and "online" tries again
    }
  };
  const stopTimers = () => {
    clearTimeout(timers.device);
    clearTimeout(timers.server);
  };

  restore(form, key, asServed);
  // A field may belong to the form and stand outside of it.
  document.addEventListener("input", (event) => {
    if (event.target.form !== form) return;
    changed = true;
    stopTimers();
    timers = { device: setTimeout(saveHere, PAUSE.device), server: setTimeout(saveThere, PAUSE.server) };
  });
  form.addEventListener("submit", (event) => {
    changed = true;
    stopTimers();
    saveHere();
    if (!navigator.onLine) {
      event.preventDefault();
      say("draftOffline");
    }
  });
  window.addEventListener("pagehide", saveHere);
  window.addEventListener("online", saveThere);
  form.querySelector("[data-draft-discard]")?.addEventListener("click", () => {
    stopTimers();
    changed = false;
    forget(key);
    fill(form, asServed);
    stopTimers(); // filling fires input
    changed = false;
    form.querySelector("[data-draft-notice]").hidden = true;
    if (state) state.hidden = true;
  });
}

function restore(form, key, asServed) {
  const draft = load(key);
  if (!draft) return;
  const following = fieldsOf(form).filter((field) => "draftFollows" in field.dataset).map((field) => field.name);
  const differs = Object.entries(draft.values).some(([name, value]) => name in asServed && !following.includes(name) && String(value).trim() !== String(asServed[name]).trim());
  if (!differs) return;
  fill(form, { ...asServed, ...draft.values });
  const notice = form.querySelector("[data-draft-notice]");
  if (notice) notice.hidden = false;
}

function fieldsOf(form) {
  return [...form.elements].filter((field) => field.name && !SKIPPED.includes(field.type) && !("draftSkip" in field.dataset) && "value" in field && field.tagName !== "OUTPUT");
}

function valuesOf(form) {
  const values = {};
  for (const field of fieldsOf(form)) {
    if (field.type === "checkbox") values[field.name] = [...(values[field.name] ?? []), ...(field.checked ? [field.value] : [])];
    else if (field.type === "radio") values[field.name] = field.checked ? field.value : (values[field.name] ?? "");
    else if (field.type === "select-multiple") values[field.name] = [...field.selectedOptions].map((option) => option.value);
    else values[field.name] = field.value;
  }
  return values;
}

function fill(form, values) {
  for (const field of fieldsOf(form)) {
    if (!(field.name in values)) continue;
    const value = values[field.name];
    if (field.type === "checkbox") field.checked = value.includes(field.value);
    else if (field.type === "radio") field.checked = value === field.value;
    else if (field.type === "select-multiple") for (const option of field.options) option.selected = value.includes(option.value);
    else if (field.value !== value) field.value = value;
    else continue;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function store(key, values) {
  return onDevice((storage) => {
    storage.setItem(PREFIX + key, JSON.stringify({ at: Date.now(), values }));
    return true;
  });
}

function load(key) {
  return onDevice((storage) => {
    const text = storage.getItem(PREFIX + key);
    const draft = text ? JSON.parse(text) : null;
    if (draft && Date.now() - draft.at < LIFETIME) return draft;
    storage.removeItem(PREFIX + key);
    return null;
  });
}

function forget(key) {
  onDevice((storage) => storage.removeItem(PREFIX + key));
}

function forgetAll() {
  onDevice((storage) => {
    for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
  });
}

/* A browser may refuse storage (private window, full disk): then there is no draft on this device, and nothing claims there is. */
function onDevice(deed) {
  try {
    return deed(window.localStorage);
  } catch (problem) {
    if (problem instanceof DOMException) return null;
    throw problem;
  }
}
