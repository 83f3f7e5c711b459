/*
  The search at the slash. <div data-reach-for="id of a textarea" data-reach-url="/…" hidden> holds a combobox; a "/" at
  the beginning of a word in that textarea, or "::", opens it. The address answers ?q=… with the choices.
  Arrows choose, Enter puts the text at the cursor, Ctrl+Enter only its link, Escape closes and gives back what was typed.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";
import { WORD, putIn, remember, typeInto } from "./typing.js";

const PAUSE = 120;

for (const box of document.querySelectorAll("[data-reach-for]")) {
  const field = document.getElementById(box.dataset.reachFor);
  if (field) bind(box, field);
}

function bind(box, field) {
  const input = box.querySelector("[role=combobox]");
  const list = box.querySelector("[role=listbox]");
  const voice = box.querySelector("[role=status]");
  const none = box.querySelector(".reach__none");
  const answers = new Map();
  let opener = "/";
  let at = 0;
  let timer;
  let controller;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };
  const show = (html) => {
    list.replaceChildren(elementsFrom(html));
    const count = options().length;
    input.setAttribute("aria-expanded", String(count > 0));
    list.hidden = count === 0;
    none.hidden = count > 0;
    choose(options()[0] ?? null);
    voice.textContent = count ? voice.dataset.some.replace("{n}", count) : voice.dataset.none;
  };
  const look = async () => {
    controller?.abort();
    controller = new AbortController();
    const { signal } = controller;
    const typed = input.value.trim();
    try {
      if (!answers.has(typed)) {
        const url = new URL(box.dataset.reachUrl, document.baseURI);
        url.searchParams.set("q", typed);
        answers.set(typed, await fetchFragment(url, { signal }));
      }
      if (!signal.aborted && !box.hidden) show(answers.get(typed));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
      if (!box.hidden) show(""); // offline or refused: nothing can be found, and what was typed stays
    }
  };
  const open = (how, place) => {
    opener = how;
    at = place;
    input.value = "";
    list.replaceChildren();
    none.hidden = true;
    box.hidden = false;
    input.focus();
    look();
  };
  const close = () => {
    clearTimeout(timer);
    controller?.abort();
    box.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  /* Nothing that somebody typed is lost: a slash that was only a slash stands there as one. */
  const giveBack = (text) => {
    close();
    typeInto(field, text, at, at);
  };
  const take = (option, onlyLink) => {
    const { text, link, value } = option.dataset;
    const isLink = onlyLink && link;
    close();
    putIn(field, isLink ? link : text, at, WORD);
    remember(field.form, "uses", isLink ? `${value}:link` : value);
  };
  const step = (by) => {
    const all = options();
    if (all.length) choose(all.at((all.indexOf(active()) + by + all.length) % all.length));
  };

  field.addEventListener("beforeinput", (event) => {
    if (event.inputType !== "insertText" || event.isComposing || field.selectionStart !== field.selectionEnd) return;
    const before = field.value.slice(0, field.selectionStart);
    if (event.data === "/" && /(^|\s)$/.test(before)) {
      event.preventDefault();
      open("/", field.selectionStart);
    } else if (event.data === ":" && /(^|\s):$/.test(before)) {
      event.preventDefault();
      typeInto(field, "", field.selectionStart - 1, field.selectionStart);
      open("::", field.selectionStart);
    }
  });
  input.addEventListener("input", () => {
    if (/^[\s/]/.test(input.value)) return giveBack(opener + input.value); // "und / oder", "//"
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter") active() && take(active(), event.ctrlKey || event.metaKey);
    else if (event.key === "Escape") giveBack(input.value ? opener + input.value : opener);
    else if (event.key === "Backspace" && !input.value) giveBack("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option, event.ctrlKey || event.metaKey);
  });
  box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) close(); });
}
