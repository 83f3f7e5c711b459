/*
  What was looked for on this device: kept here and nowhere else, the newest first, for 90 days at most.
*/
const STORED = "klinke:searches";
const MOST = 10;
const LIFETIME = 90 * 24 * 60 * 60 * 1000;

/** The searches, the newest first; with a beginning only those that begin so. */
export function recall(beginning = "") {
  const start = beginning.trim().toLocaleLowerCase();
  return load().map(({ q }) => q).filter((q) => q.toLocaleLowerCase().startsWith(start));
}

export function remember(q) {
  const text = q.trim();
  if (text) store([{ q: text, at: Date.now() }, ...others(text)].slice(0, MOST));
}

export function forget(q) {
  store(others(q));
}

export function forgetAll() {
  onDevice((storage) => storage.removeItem(STORED));
}

function others(q) {
  const same = q.trim().toLocaleLowerCase();
  return load().filter((one) => one.q.toLocaleLowerCase() !== same);
}

function load() {
  return onDevice((storage) => {
    const kept = JSON.parse(storage.getItem(STORED) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.q === "string" && Date.now() - one.at < LIFETIME) : [];
  }) ?? [];
}

function store(searches) {
  onDevice((storage) => storage.setItem(STORED, JSON.stringify(searches)));
}

/* A browser may refuse storage, and what lies there may be damaged: then nothing is remembered. */
function onDevice(deed) {
  try {
    return deed(window.localStorage);
  } catch (problem) {
    if (problem instanceof DOMException || problem instanceof SyntaxError) return null;
    throw problem;
  }
}
