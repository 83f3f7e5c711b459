/*
  Puts a text where the cursor is and loses nothing that was typed; Ctrl+Z takes it out again.
  <button data-insert-target="id" data-insert-text="…" [data-insert-field="uses" data-insert-value="article:9"]>
  With data-insert-paragraph it becomes a paragraph of its own. With field and value a hidden field is added to the form, so that the use is recorded when it is sent.
*/
import { PARAGRAPH, WORD, putIn, remember } from "./typing.js";

const visited = new WeakSet();

document.addEventListener("focusin", (event) => visited.add(event.target));
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-insert-target]");
  const field = button && document.getElementById(button.dataset.insertTarget);
  if (!field) return; // without a place to put it the button does what it does without script
  event.preventDefault();
  // A field that was never entered reports its cursor at 0 although one expects the end.
  const at = visited.has(field) ? field.selectionEnd : field.value.length;
  putIn(field, button.dataset.insertText, at, "insertParagraph" in button.dataset ? PARAGRAPH : WORD);
  remember(field.form, button.dataset.insertField, button.dataset.insertValue);
  button.closest(".suggestion")?.classList.add("suggestion--used");
});
