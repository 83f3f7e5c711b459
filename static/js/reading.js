/*
  Tells that an article was read: <article data-reading-url="/…">, after a while in view and once a tab. It says nothing of
  who reads; browsers that ask not to be tracked send nothing.
*/
const AFTER = 10 * 1000;
const place = document.querySelector("[data-reading-url]");

if (place && !navigator.globalPrivacyControl && navigator.doNotTrack !== "1") {
  const { readingUrl: url } = place.dataset;
  const timer = setInterval(() => {
    if (document.visibilityState !== "visible") return;
    clearInterval(timer);
    try {
      if (sessionStorage.getItem(`klinke:read:${url}`)) return;
      sessionStorage.setItem(`klinke:read:${url}`, "1");
    } catch {
      return; // a browser without storage would tell it again and again
    }
    navigator.sendBeacon(url);
  }, AFTER);
}
