/*
  A button that rests for some seconds before it can be pressed: <button data-rest-seconds="10" data-rest-words="in {n} s">.
*/
for (const button of document.querySelectorAll("[data-rest-seconds]")) rest(button, Number(button.dataset.restSeconds));

function rest(button, seconds) {
  const label = button.textContent;
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} (${button.dataset.restWords.replace("{n}", left)})` : label;
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}
