/*
  Keeps a part of the page fresh while it is looked at: <div data-refresh-url="/…" data-refresh-seconds="20">.
  The address answers with what belongs inside the element.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const AT_LEAST = 5;

for (const place of document.querySelectorAll("[data-refresh-url]")) watch(place);

function watch(place) {
  const seconds = Math.max(AT_LEAST, Number(place.dataset.refreshSeconds ?? 30));
  let shown = null;

  const refresh = async () => {
    try {
      const html = await fetchFragment(place.dataset.refreshUrl, { cache: "no-cache" });
      if (html === shown || isInUse(place)) return;
      replace(place, html);
      shown = html;
    } catch (problem) {
      if (problem instanceof FragmentRefused && problem.status < 500) clearInterval(timer); // signed out, or gone
      else if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
      // Offline or a hiccup: the next round tries again.
    }
  };
  const timer = setInterval(() => { if (!document.hidden) refresh(); }, seconds * 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

function replace(place, html) {
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const { scrollTop } = place;
  place.replaceChildren(elementsFrom(html));
  place.scrollTop = scrollTop;
  if (focused) [...place.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

/* Someone who writes or marks text in there is not interrupted. */
function isInUse(place) {
  const active = document.activeElement;
  const writes = place.contains(active) && active.matches("input, textarea, select");
  const selection = document.getSelection();
  return writes || (!selection.isCollapsed && place.contains(selection.anchorNode));
}
