/*
  The vent pad: empty whenever the page is left or shown again, and an hour after the first word at the latest.
*/
const HOUR = 60 * 60 * 1000;

for (const field of document.querySelectorAll("[data-vent-text]")) {
  let timer = null;
  const clear = () => {
    clearTimeout(timer);
    timer = null;
    field.value = "";
  };
  field.addEventListener("input", (event) => {
    event.stopPropagation(); // no draft, no counter, nobody else hears of it
    timer ??= setTimeout(clear, HOUR);
  });
  window.addEventListener("pagehide", clear);
}
