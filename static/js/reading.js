/*
  Tells that an article was read: <article data-reading-url="/…">, after a while in view and once a tab. It says nothing of
  who reads; browsers that ask not to be tracked send nothing.
  With data-opened-url="/…" it tells that the link of a reply was opened, sooner, and not where a program drives the
  browser. data-own-url="/…" is the article's own address: it takes the place of the link's, so that nobody hands that on.
*/
const AFTER = 10 * 1000;
const OPENED_AFTER = 2 * 1000;
const place = document.querySelector("[data-reading-url]");
const tells = !navigator.globalPrivacyControl && navigator.doNotTrack !== "1";

if (place?.dataset.openedUrl && tells && !navigator.webdriver) {
  const { openedUrl } = place.dataset;
  const timer = setInterval(() => {
    if (document.visibilityState !== "visible") return;
    clearInterval(timer);
    navigator.sendBeacon(openedUrl);
  }, OPENED_AFTER);
}
if (place?.dataset.ownUrl) history.replaceState(history.state, "", place.dataset.ownUrl + location.hash);

if (place && tells) {
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
