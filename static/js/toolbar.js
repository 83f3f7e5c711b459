/*
  Markdown buttons for a textarea: <div data-toolbar-for="id" hidden> with <button data-markdown="bold" data-placeholder="…">.
  See the macro toolbar.
*/
const WRAPS = { bold: ["**", "**"], code: ["`", "`"], link: ["[", "](https://)"] };
const PREFIXES = { list: "- ", quote: "> " };

for (const toolbar of document.querySelectorAll("[data-toolbar-for]")) toolbar.hidden = false;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-markdown]");
  const field = button && document.getElementById(button.closest("[data-toolbar-for]").dataset.toolbarFor);
  if (!field) return;
  const kind = button.dataset.markdown;
  field.focus();
  if (kind in PREFIXES) prefixLines(field, PREFIXES[kind], button.dataset.placeholder);
  else wrap(field, kind, button.dataset.placeholder);
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

function wrap(field, kind, placeholder) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const inner = value.slice(start, end) || placeholder;
  const block = kind === "code" && inner.includes("\n");
  const [open, close] = block ? ["```\n", "\n```"] : WRAPS[kind];
  field.setRangeText(open + inner + close, start, end, "end");
  if (kind === "link") field.setSelectionRange(start + open.length + inner.length + 2, start + open.length + inner.length + close.length - 1);
  else field.setSelectionRange(start + open.length, start + open.length + inner.length);
}

function prefixLines(field, prefix, placeholder) {
  const { selectionEnd: end, value } = field;
  const start = value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const lines = value.slice(start, end) || placeholder;
  const gap = start > 0 && value.slice(0, start).trim() && !value.slice(0, start).endsWith("\n\n") ? "\n" : "";
  field.setRangeText(gap + lines.split("\n").map((line) => prefix + line).join("\n"), start, end, "end");
}
