/*
  Puts text into a field so that the browser can undo it (Ctrl+Z) like anything typed.
*/

/** Replace what stands from `from` to `to` by `text`; the cursor goes behind it and the field tells its listeners. */
export function typeInto(field, text, from, to) {
  field.focus();
  field.setSelectionRange(from, to);
  // The only way that keeps the browser's own undo; where a browser has given it up, the text still goes in.
  const isTyped = text ? document.execCommand("insertText", false, text) : from === to || document.execCommand("delete");
  if (isTyped) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Put a text where the cursor is, with a gap to the words beside it; nothing typed is lost. */
export function putIn(field, text, at, edge) {
  const before = at > 0 && !edge.start.test(field.value.slice(0, at)) ? edge.gap : "";
  const after = at < field.value.length && !edge.end.test(field.value.slice(at)) ? edge.gap : "";
  typeInto(field, before + text + after, at, at);
}

/** Add a hidden field once, so that a use is recorded when the form is sent. */
export function remember(form, name, value) {
  if (!form || !name || !value) return;
  if ([...form.elements].some((field) => field.name === name && field.value === value)) return;
  const hidden = document.createElement("input");
  hidden.type = "hidden";
  hidden.name = name;
  hidden.value = value;
  form.append(hidden);
}

export const WORD = { gap: " ", start: /\s$/, end: /^\s/ };
export const PARAGRAPH = { gap: "\n\n", start: /\n\n$/, end: /^\n\n/ };
