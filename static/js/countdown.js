/*
  <span data-countdown="9" data-countdown-words="Goes out in {n} seconds">: counts down and then asks the list around it to be fresh.
  What arrives later with a fragment counts as well.
*/
const started = new WeakMap();

setInterval(() => {
  for (const place of document.querySelectorAll("[data-countdown]")) {
    if (!started.has(place)) started.set(place, Date.now() + Number(place.dataset.countdown) * 1000);
    const left = Math.max(0, Math.ceil((started.get(place) - Date.now()) / 1000));
    place.textContent = place.dataset.countdownWords.replace("{n}", left);
  }
}, 250);
