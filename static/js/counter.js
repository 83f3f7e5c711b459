/*
  Counts while one types, as a ring and a number.
  <span data-count-for="id" data-count-limit="500" [data-count-unit="mastodon"] [data-count-url-length="23"] [data-count-floor="20"]
        [data-count-suffix=" ^AB"] [data-count-bytes="3000"]
        data-count-left="{n} characters left" data-count-over="{n} characters too many">; see the macro counter_ring.
  It counts as the server does (measure.js); a line break is one character. The suffix will stand behind the text.
  data-count-by="public" data-count-yes="300 3000" data-count-no="1000 10000": limit and bytes by what is chosen under that name.
  data-count-own="https://…/kb/" data-count-token="10": such addresses leave with a token of that length.
*/
import { bytesOf, leaving, lengthOf } from "./measure.js";

const counters = () => document.querySelectorAll("[data-count-for]");
const announcements = new WeakMap();

document.addEventListener("input", (event) => {
  if (!event.target.id) return;
  for (const counter of counters()) if (counter.dataset.countFor === event.target.id) count(counter, event.target);
});
document.addEventListener("change", (event) => {
  for (const counter of counters()) {
    const field = document.getElementById(counter.dataset.countFor);
    if (counter.dataset.countBy && event.target.name === counter.dataset.countBy && event.target.form === field?.form) count(counter, field);
  }
});
for (const counter of counters()) count(counter, document.getElementById(counter.dataset.countFor));

function count(counter, field) {
  if (!field) return;
  const { countUnit, countUrlLength, countSuffix = "", countOwn = "", countToken } = counter.dataset;
  const { limit, countBytes } = chosen(counter, field);
  const written = field.value.endsWith(countSuffix) ? field.value : field.value + countSuffix;
  const text = leaving(written, { own: countOwn, token: Number(countToken ?? 0) });
  let left = limit - lengthOf(text, { counting: countUnit, urlLength: Number(countUrlLength ?? 23) });
  if (countBytes) left = Math.min(left, Number(countBytes) - bytesOf(text, countUnit));
  const floor = Number(counter.dataset.countFloor ?? 20);
  const words = (left < 0 ? counter.dataset.countOver : counter.dataset.countLeft).replace("{n}", Math.abs(left));
  counter.classList.add("counter--live");
  counter.classList.toggle("counter--near", left >= 0 && left <= floor);
  counter.classList.toggle("counter--over", left < 0);
  counter.querySelector(".counter__number").textContent = words;
  const used = Math.min(100, Math.max(0, 100 * (1 - left / limit)));
  counter.querySelector(".counter__fill").setAttribute("stroke-dasharray", `${used.toFixed(1)} 100`);
  if (left <= floor) announce(counter, words);
}

/* Limit and bytes: where they depend on a choice in the form, of what is chosen now. */
function chosen(counter, field) {
  const { countBy, countLimit, countBytes } = counter.dataset;
  const value = countBy ? field.form?.querySelector(`[name="${countBy}"]:checked`)?.value : "";
  const listed = value ? counter.getAttribute(`data-count-${value}`) : "";
  if (!listed) return { limit: Number(countLimit), countBytes };
  const [limit, bytes] = listed.split(" ").map(Number);
  return { limit, countBytes: bytes };
}

/* A screen reader hears the number when typing pauses near the limit, not at every key. */
function announce(counter, words) {
  clearTimeout(announcements.get(counter));
  const voice = counter.querySelector("[role=status]");
  announcements.set(counter, setTimeout(() => { voice.textContent = words; }, 1000));
}
