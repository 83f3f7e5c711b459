/*
  Counts while one types, as a ring and a number.
  <span data-count-for="id" data-count-limit="500" [data-count-unit="graphemes"] [data-count-url-length="23"] [data-count-floor="20"]
        data-count-left="{n} characters left" data-count-over="{n} characters too many">; see the macro counter_ring.
  Characters are counted as the server counts them: code points, a line break as one.
*/
const ADDRESS = /https?:\/\/\S+/g;
const counters = () => document.querySelectorAll("[data-count-for]");
const announcements = new WeakMap();

document.addEventListener("input", (event) => {
  if (!event.target.id) return;
  for (const counter of counters()) if (counter.dataset.countFor === event.target.id) count(counter, event.target);
});
for (const counter of counters()) count(counter, document.getElementById(counter.dataset.countFor));

function count(counter, field) {
  if (!field) return;
  const limit = Number(counter.dataset.countLimit);
  const left = limit - lengthOf(field.value, counter.dataset);
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

function lengthOf(text, { countUnit, countUrlLength }) {
  let extra = 0;
  const counted = countUrlLength ? text.replace(ADDRESS, () => ((extra += Number(countUrlLength)), "")) : text;
  if (countUnit === "graphemes" && Intl.Segmenter) return extra + [...new Intl.Segmenter().segment(counted)].length;
  return extra + [...counted].length;
}

/* A screen reader hears the number when typing pauses near the limit, not at every key. */
function announce(counter, words) {
  clearTimeout(announcements.get(counter));
  const voice = counter.querySelector("[role=status]");
  announcements.set(counter, setTimeout(() => { voice.textContent = words; }, 1000));
}
