/*
  Puts a text where the cursor is and loses nothing that was typed.
  <button data-insert-target="id" data-insert-text="…" [data-insert-field="uses" data-insert-value="article:9"]>
  With data-insert-paragraph it becomes a paragraph of its own. With field and value a hidden field is added to the form, so that the use is recorded when it is sent.
*/
const WORD = { gap: " ", start: /\s$/, end: /^\s/ };
const PARAGRAPH = { gap: "\n\n", start: /\n\n$/, end: /^\n\n/ };
const visited = new WeakSet();

document.addEventListener("focusin", (event) => visited.add(event.target));
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-insert-target]");
  const field = button && document.getElementById(button.dataset.insertTarget);
  if (!field) return; // without a place to put it the button does what it does without script
  event.preventDefault();
  insert(field, button.dataset.insertText, "insertParagraph" in button.dataset ? PARAGRAPH : WORD);
  remember(field.form, button.dataset.insertField, button.dataset.insertValue);
  button.closest(".suggestion")?.classList.add("suggestion--used");
});

function insert(field, text, edge) {
  // A field that was never entered reports its cursor at 0 although one expects the end.
  const at = visited.has(field) ? field.selectionEnd : field.value.length;
  const before = at > 0 && !edge.start.test(field.value.slice(0, at)) ? edge.gap : "";
  const after = at < field.value.length && !edge.end.test(field.value.slice(at)) ? edge.gap : "";
  field.focus();
  field.setRangeText(before + text + after, at, at, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function remember(form, name, value) {
  if (!form || !name || !value) return;
  const known = [...form.elements].some((field) => field.name === name && field.value === value);
  if (known) return;
  const hidden = document.createElement("input");
  hidden.type = "hidden";
  hidden.name = name;
  hidden.value = value;
  form.append(hidden);
}
