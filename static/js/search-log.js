/*
  Tells what was looked for, which hit was opened and who goes on to ask, so that the team can close the gaps.
  <div data-search-slip="…" data-search-log-url="/…" data-search-token="…" data-search-first="0" [data-search-counts]> around
  links with data-ref="topic:12" and [data-search-asks]. Nothing says who somebody is: the mark is random and ends with the
  tab or after half an hour. Browsers that ask not to be tracked send nothing.
*/
const STORED = "klinke:visitor";
const LIFETIME = 30 * 60 * 1000;
const place = document.querySelector("[data-search-slip]");

if (place && !navigator.globalPrivacyControl && navigator.doNotTrack !== "1") {
  if ("searchCounts" in place.dataset) tell({});
  for (const kind of ["click", "auxclick"]) {
    place.addEventListener(kind, (event) => {
      const link = event.target.closest?.("a[href]");
      if (!link || event.button > 1) return;
      if (link.dataset.ref) tell({ opened: link.dataset.ref, position: positionOf(link) });
      else if (link.closest("[data-search-asks]")) tell({ asks: "1" });
    });
  }
}

function tell(what) {
  const body = new FormData();
  const { searchSlip: slip, searchToken: token, searchLogUrl: url } = place.dataset;
  for (const [name, value] of Object.entries({ csrf_token: token, slip, visitor: visitor(), ...what })) body.set(name, value);
  navigator.sendBeacon(url, body);
}

function positionOf(link) {
  return Number(place.dataset.searchFirst) + [...place.querySelectorAll("[data-ref]")].indexOf(link) + 1;
}

function visitor() {
  const kept = onDevice((storage) => JSON.parse(storage.getItem(STORED) ?? "null"));
  const id = kept && Date.now() - kept.at < LIFETIME ? kept.id : newMark();
  onDevice((storage) => storage.setItem(STORED, JSON.stringify({ id, at: Date.now() })));
  return id;
}

function newMark() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* Without storage each page is a visitor of its own. */
function onDevice(deed) {
  try {
    return deed(window.sessionStorage);
  } catch (problem) {
    if (problem instanceof DOMException || problem instanceof SyntaxError) return null;
    throw problem;
  }
}
