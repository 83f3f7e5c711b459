/*
  Keys for people who work with both hands on the keyboard. Active on pages that hold <dialog data-keys-help>.
  j and k go down and up among [data-keys-item] (their first link), Enter opens as always, ? shows the help,
  x ticks the item one stands on, [data-key="r"] is entered or pressed by its letter or "/", and of a menu opened so the first entry is entered. The switch in the help turns single keys off.
*/
const STORED = "klinke:keys";
const help = document.querySelector("dialog[data-keys-help]");

if (help) {
  const toggle = help.querySelector("[data-keys-switch]");
  toggle.checked = remembered() !== "off";
  toggle.addEventListener("change", () => remember(toggle.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") help.showModal();
    else if (toggle.checked && (event.key === "j" || event.key === "k")) step(event.key === "j" ? 1 : -1);
    else if (toggle.checked && event.key === "x") document.activeElement.closest("[data-keys-item]")?.querySelector("input[type=checkbox]")?.click();
    else if (toggle.checked && /^[a-z/]$/.test(event.key) && press(event.key)) event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-keys-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
}

function step(by) {
  const links = [...document.querySelectorAll("[data-keys-item]")].map((item) => item.matches("a") ? item : item.querySelector("a")).filter(Boolean);
  if (!links.length) return;
  const here = links.indexOf(document.activeElement);
  const from = here >= 0 ? here : links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[Math.min(links.length - 1, Math.max(0, from + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(letter) {
  const target = document.querySelector(`[data-key="${letter}"]`);
  if (!target) return false;
  if (target.matches("input:not([type=checkbox]), textarea, select")) target.focus();
  else target.click();
  if (target.matches("summary")) target.parentElement.querySelector("button, input:not([type=hidden]), a[href]")?.focus();
  return true;
}

function isTyping(element) {
  return element.isContentEditable || element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");
}

function remembered() {
  try {
    return window.localStorage.getItem(STORED);
  } catch (problem) {
    if (problem instanceof DOMException) return null; // no storage in this window: keys are on
    throw problem;
  }
}

function remember(value) {
  try {
    window.localStorage.setItem(STORED, value);
  } catch (problem) {
    if (!(problem instanceof DOMException)) throw problem; // no storage: the switch holds for this page
  }
}
