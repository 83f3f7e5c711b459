/*
  Ctrl+Enter (or Cmd+Enter) in <textarea data-send-keys> presses the form's [data-send] button; Enter alone never sends.
*/
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest?.("[data-send-keys]")?.form;
  const button = form?.querySelector("[data-send]");
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});
