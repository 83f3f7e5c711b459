/*
  Copies what stands in a field, at the press of a button: <button type="button" hidden data-copy="id" data-copied="Copied">.
  Without script, or where the browser has no clipboard, there is no button; the field can be copied by hand.
*/
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  if (!field || !navigator.clipboard) continue;
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = words; }, 3000);
    } catch {
      field.select(); // the browser does not let us: one key does it then
    }
  });
}
