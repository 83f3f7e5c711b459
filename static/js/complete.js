/*
  Suggestions beneath a search box while one types: <input data-complete-url="/…"> in a form; asks url?q=… and adds what
  was looked for on this device. The parts stand in <template data-complete-parts>, see the macro completions.
  Keys as a combobox has them: arrows choose, Enter opens, Escape closes, Delete forgets a search of one's own.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";
import { forget, forgetAll, recall } from "./searches.js";

const PAUSE = 150;
const MOST_RECENT = { typed: 3, empty: 6 };
const parts = document.querySelector("template[data-complete-parts]");

if (parts) for (const field of document.querySelectorAll("input[data-complete-url]")) bind(field);

function bind(field) {
  const popup = parts.content.firstElementChild.cloneNode(true);
  const list = popup.querySelector("[role=listbox]");
  const voice = popup.querySelector("[role=status]");
  const forgetButton = popup.querySelector("button");
  const answers = new Map();
  let timer;
  let controller;

  list.id = `${field.id}-suggestions`;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) field.setAttribute(name, value);
  field.after(popup);

  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  const isOpen = () => !popup.hidden;

  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    if (!option) return field.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option.id);
  };
  const close = () => {
    clearTimeout(timer);
    controller?.abort();
    popup.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const show = (html) => {
    const own = recall(field.value).filter((q) => q !== field.value.trim()).slice(0, field.value.trim() ? MOST_RECENT.typed : MOST_RECENT.empty);
    list.replaceChildren(...(own.length ? [ownSearches(own, list.dataset)] : []), elementsFrom(html));
    for (const option of list.querySelectorAll("[data-fill]:not([data-own])")) if (own.includes(option.dataset.fill)) option.remove();
    for (const group of list.querySelectorAll("[role=group]")) if (!group.querySelector("[role=option]")) group.remove();
    options().forEach((option, number) => { option.id = `${list.id}-${number}`; });
    choose(null);
    forgetButton.hidden = own.length === 0;
    const count = options().length;
    popup.hidden = count === 0;
    field.setAttribute("aria-expanded", String(count > 0));
    voice.textContent = count ? voice.dataset.some.replace("{n}", count) : "";
  };
  const look = async () => {
    controller?.abort();
    controller = new AbortController();
    const { signal } = controller;
    const typed = field.value.trim();
    try {
      if (!answers.has(typed)) answers.set(typed, await fetchFragment(addressOf(field, typed), { signal }));
      if (!signal.aborted && document.activeElement === field) show(answers.get(typed));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
      if (document.activeElement === field) show(""); // offline or refused: one's own searches are here
    }
  };
  const take = (option) => {
    close();
    if (option.dataset.open) return open(option.dataset.open);
    field.value = option.dataset.fill;
    field.form.requestSubmit();
  };
  const step = (by) => {
    const all = [null, ...options()];
    choose(all.at((all.indexOf(active()) + by + all.length) % all.length));
  };
  const remove = (option) => {
    forget(option.dataset.fill);
    const place = options().indexOf(option);
    show(answers.get(field.value.trim()) ?? "");
    choose(options().at(Math.min(place, options().length - 1)) ?? null);
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  field.addEventListener("click", () => { if (!isOpen()) look(); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const own = active()?.hasAttribute("data-own");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen()) step(event.key === "ArrowDown" ? 1 : -1);
      else look();
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && isOpen() && active()) {
      event.preventDefault();
      take(active());
    } else if (event.key === "Delete" && isOpen() && own) {
      event.preventDefault();
      remove(active());
    }
  });
  // The field keeps the focus, and with it the keyboard of a phone.
  popup.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) event.target.closest("[data-remove]") ? remove(option) : take(option);
  });
  forgetButton.addEventListener("click", () => {
    forgetAll();
    field.focus();
    show(answers.get(field.value.trim()) ?? "");
  });
  field.form.addEventListener("focusout", (event) => {
    if (event.relatedTarget !== field && !popup.contains(event.relatedTarget)) close();
  });
  field.form.addEventListener("submit", close);
}

function ownSearches(searches, words) {
  const group = part("div", "", { role: "group", "aria-label": words.recent });
  group.append(part("p", "complete__title", { "aria-hidden": "true" }, words.recent));
  for (const q of searches) {
    const option = part("div", "complete__option", { role: "option", "aria-selected": "false", "aria-description": words.forget, "data-fill": q, "data-own": "" });
    option.append(part("span", "complete__text", { dir: "auto" }, q), part("span", "complete__remove", { "aria-hidden": "true", "data-remove": "" }, "×"));
    group.append(option);
  }
  return group;
}

function part(name, look, attributes, text = "") {
  const element = document.createElement(name);
  if (look) element.className = look;
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.textContent = text;
  return element;
}

function addressOf(field, typed) {
  const url = new URL(field.dataset.completeUrl, document.baseURI);
  url.searchParams.set("q", typed);
  return url;
}

function open(address) {
  const url = new URL(address, document.baseURI);
  if (url.origin === location.origin) location.assign(url);
}
