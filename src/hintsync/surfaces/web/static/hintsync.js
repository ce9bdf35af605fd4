// Moves between pages without leaving the document: the token in memory would be lost, and frames allow no cookies.
// A page is fetched whole; its bar and its main part take the place of ours.

import { ask, send, Away } from "./asking.js";
import { enliven, stopStreams } from "./live.js";

const main = () => document.getElementById("main");
const status = document.getElementById("status");
const progress = document.getElementById("progress");
const trouble = document.getElementById("trouble");
let latest = 0;

function tell(text) {
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = text));
}

function showTrouble(text, again) {
  trouble.replaceChildren();
  if (!text) return;
  const box = document.createElement("div");
  box.className = "notice notice-error";
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words);
  if (again) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Try again";
    button.addEventListener("click", () => {
      showTrouble("");
      again();
    });
    box.append(button);
  }
  trouble.append(box);
}

/** Put a fetched page into this document; the keyboard goes to its heading, or stays where it was within `keep`. */
function put(html, { keepFocus = false } = {}) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("main");
  if (!fresh) throw new Away("no page");
  stopStreams();
  const held = keepFocus ? document.activeElement?.id : "";
  document.title = page.title;
  const bar = page.getElementById("bar");
  const ours = document.getElementById("bar");
  if (bar && ours) ours.replaceWith(document.adoptNode(bar));
  main().replaceWith(document.adoptNode(fresh));
  enliven(main(), live);
  if (held) document.getElementById(held)?.focus({ preventScroll: true });
  if (!keepFocus) {
    const wanted = main().querySelector("[autofocus]");
    (wanted || main().querySelector("h1, h2"))?.focus({ preventScroll: true });
    if (wanted) wanted.scrollIntoView();
    else window.scrollTo(0, 0);
  }
  tell(document.title);
}

/** Run one exchange that ends in a page. Only the latest counts: an answer that was overtaken is dropped. */
async function visit(exchange, { url = null, push = true, again = null, keepFocus = false } = {}) {
  const mine = ++latest;
  progress.hidden = false;
  main().setAttribute("aria-busy", "true");
  showTrouble("");
  try {
    const answer = await exchange();
    const html = await answer.text();
    if (mine !== latest) return;
    if (answer.status === 401 && !document.body.classList.contains("framed")) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    put(html, { keepFocus });
    const at = answer.redirected ? answer.url : url;
    if (push && at && answer.ok) history.pushState({}, "", at);
  } catch (error) {
    if (mine !== latest || error.name === "AbortError") return;
    showTrouble("hintsync does not answer. Nothing was lost; look whether it was done before you do it again.", again);
  } finally {
    if (mine === latest) {
      progress.hidden = true;
      main().removeAttribute("aria-busy");
    }
  }
}

const go = (url, options = {}) => visit(() => ask(url), { url, again: () => go(url, options), ...options });
const live = { go, tell, showTrouble };

function confirmed(text, label) {
  return new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", label);
    const words = document.createElement("p");
    words.textContent = text;
    const row = document.createElement("form");
    row.method = "dialog";
    row.className = "actions";
    for (const [value, word, kind] of [["yes", label, "primary"], ["", "Cancel", ""]]) {
      const button = document.createElement("button");
      button.value = value;
      button.textContent = word;
      button.className = kind;
      row.append(button);
    }
    dialog.append(words, row);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const away = link.origin !== location.origin || (link.target && link.target !== "_self");
  if (away || "plain" in link.dataset || "download" in link.dataset || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  go(link.href);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || "plain" in form.dataset) return;
  event.preventDefault();
  const submitter = event.submitter;
  const question = submitter?.dataset.confirm || form.dataset.confirm;
  if (question && !(await confirmed(question, submitter?.textContent.trim() || "Go on"))) {
    submitter?.focus();
    return;
  }
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  if (submitter) submitter.disabled = true;
  const { url, answer } = send(form, submitter?.form ? withoutDisabled(submitter) : submitter);
  try {
    await visit(answer, { url, keepFocus: "stay" in form.dataset });
  } finally {
    delete form.dataset.busy;
    if (submitter) submitter.disabled = false;
  }
});

/** FormData refuses a disabled submitter; it is one only so that it is not pressed twice. */
function withoutDisabled(submitter) {
  submitter.disabled = false;
  queueMicrotask(() => (submitter.disabled = true));
  return submitter;
}

// Salesforce opened this document by a POST, whose address cannot be fetched: the way back leads to the page it showed.
const opened = document.querySelector('meta[name="hintsync-here"]')?.content;
if (opened) history.replaceState({ at: opened }, "");
window.addEventListener("popstate", (event) => go(event.state?.at || location.href, { push: false }));
enliven(document, live);
// A link that is followed before this script is there would leave the frame without its token. Until now each led to an iframe
// that the page's policy lets load nothing; from here on they lead where they should.
document.querySelector("base")?.remove();
document.querySelector('iframe[name="hintsync-too-early"]')?.remove();
document.getElementById("loading")?.remove();
