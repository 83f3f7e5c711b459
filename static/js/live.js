/*
  Keeps a list of the desk fresh while people work in it: <div data-live-url="/…" data-live-new="New ones are waiting." data-live-show="Show them">.
  The address answers with what belongs inside. Where nobody stands in the list it is put in its place as it is. Where
  somebody does (the focus is in it, or something in it is ticked or marked) nothing moves: what is there is renewed
  line by line in its place, counts too, and a polite word with a button says that there is more.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const SECONDS = 10;
const SLOWEST = 60;

for (const place of document.querySelectorAll("[data-live-url]")) watch(place);

function watch(place) {
  let shown = null;
  let waits = null;
  let pause = SECONDS;
  const said = document.createElement("div");
  said.className = "live";
  said.setAttribute("role", "status");
  place.before(said);

  const renew = async () => {
    try {
      const html = await fetchFragment(place.dataset.liveUrl, { cache: "no-cache" });
      pause = SECONDS;
      if (html === shown && !waits) return true;
      const fresh = elementsFrom(html);
      const hasMore = keysOf(fresh).some((key) => !keysOf(place).includes(key));
      if (isInUse(place)) {
        renewInPlace(place, fresh);
        waits = html;
        if (hasMore) offer();
      } else {
        if (hasMore) say();
        put(place, html);
        waits = null;
      }
      shown = html;
    } catch (problem) {
      if (problem instanceof FragmentRefused && problem.status < 500) return false; // signed out, or gone
      if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
      pause = Math.min(SLOWEST, pause * 2); // offline or a hiccup: a later round tries again
    }
    return true;
  };
  const say = () => { said.textContent = place.dataset.liveNew ?? ""; };
  const offer = () => {
    if (said.querySelector("button")) return;
    say();
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--plain button--small";
    button.textContent = place.dataset.liveShow ?? "";
    button.addEventListener("click", () => {
      put(place, waits ?? shown);
      waits = null;
      said.replaceChildren();
      place.querySelector("[data-live-list] a[href]")?.focus();
    });
    said.append(" ", button);
  };
  const round = async () => {
    const goesOn = document.hidden || await renew();
    if (goesOn) setTimeout(round, pause * 1000);
  };
  setTimeout(round, pause * 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
}

function put(place, html) {
  const { scrollTop } = place;
  place.replaceChildren(elementsFrom(html));
  place.scrollTop = scrollTop;
}

/* Lines are known by their links, so that every list can be watched. */
function linesOf(root) {
  return new Map([...root.querySelectorAll("[data-live-list] > *")].map((line) => [keyOf(line), line]));
}

function keyOf(line) {
  return line.dataset.liveItem ?? line.querySelector("a[href]")?.getAttribute("href") ?? "";
}

function keysOf(root) {
  return [...linesOf(root).keys()];
}

function renewInPlace(place, fresh) {
  const now = linesOf(fresh);
  for (const [key, line] of linesOf(place)) {
    const next = now.get(key);
    if (!next) line.classList.add("live__gone");
    else if (!line.contains(document.activeElement) && !line.querySelector(":checked") && line.innerHTML !== next.innerHTML) {
      line.className = next.className;
      line.replaceChildren(...next.cloneNode(true).childNodes);
    }
  }
  const views = place.querySelector("[data-live-part=views]");
  const newer = fresh.querySelector("[data-live-part=views]");
  if (views && newer && !views.contains(document.activeElement)) views.replaceChildren(...newer.cloneNode(true).childNodes);
}

function isInUse(place) {
  const selection = document.getSelection();
  const marks = !selection.isCollapsed && place.contains(selection.anchorNode);
  return marks || place.contains(document.activeElement) || place.querySelector("[data-live-list] :checked") !== null;
}
