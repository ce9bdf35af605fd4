// What elements ask for by data attributes:
//   form[data-live="#id"]    sends itself while keys are pressed; the answer, a part of a page, takes the place of #id's content
//   [data-again="ms"]        in such an answer: more will be known then, so it is asked for once more
//   [data-stream="/url"]     server-sent events over fetch: `event: part` replaces the content, `event: done` ends it
//   button[data-copy]        copies its text
//   a[data-download="name"]  fetches a file with the token and saves it
//   [data-upload="/url"]     a file input or a drop zone around one: sends the file as it is, and shows the page that answers
//   select[data-submit]      sends its form when changed

import { ask, send, Away } from "./asking.js";

const PAUSE = 90; // milliseconds without a key before a search is sent
const streams = new Set();

export function stopStreams() {
  for (const each of streams) each.abort();
  streams.clear();
}

export function enliven(root, page) {
  const all = (selector) => root.querySelectorAll(selector);
  all("form[data-live]").forEach((form) => liveForm(form, page));
  all("[data-stream]").forEach((element) => stream(element, page));
  all("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button, page)));
  all("a[data-download]").forEach((link) => link.addEventListener("click", (event) => download(event, link, page)));
  all("[data-upload]").forEach((zone) => uploads(zone, page));
  all("select[data-submit]").forEach((one) => one.addEventListener("change", () => one.form.requestSubmit()));
}

/** Search as keys are pressed: a short pause, one request at a time, and an answer that was overtaken is never shown. */
function liveForm(form, page) {
  let timer = 0;
  let under = null;
  const into = () => document.querySelector(form.dataset.live);
  const told = () => into()?.querySelector("[data-tell]")?.dataset.tell;
  /** Look once more, by itself, where an answer says that it will know more in so many milliseconds. */
  const later = () => {
    const wait = Number(into()?.querySelector("[data-again]")?.dataset.again || 0);
    if (wait) timer = setTimeout(() => form.isConnected && look(true), wait);
  };
  const look = async (again = false) => {
    under?.abort();
    clearTimeout(timer);
    const mine = (under = new AbortController());
    into()?.setAttribute("aria-busy", "true");
    try {
      const answer = await send(form, null, mine.signal).answer();
      const html = await answer.text();
      if (mine.signal.aborted || !into()) return;
      if (!answer.ok) throw new Away(String(answer.status));
      const before = told();
      replaceChoices(into(), html);
      enliven(into(), page);
      page.showTrouble("");
      if (told() && (!again || told() !== before)) page.tell(told());
      later();
    } catch (error) {
      if (error.name !== "AbortError") page.showTrouble("The search got no answer.", () => look());
    } finally {
      if (under === mine) into()?.removeAttribute("aria-busy");
    }
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "radio") return;
    clearTimeout(timer);
    timer = setTimeout(() => look(), PAUSE);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && !("search" in event.submitter.dataset)) return;
    event.preventDefault();
    clearTimeout(timer);
    look();
  });
  // a slow script comes after the first keys
  const typed = [...form.elements].some((each) => "defaultValue" in each && each.value !== each.defaultValue);
  if ("now" in form.dataset || typed) look();
  else later();
}

/** Show other results; what is chosen, and where the keyboard is, stays if it is still among them. */
function replaceChoices(into, html) {
  const chosen = into.querySelector("input[type=radio]:checked")?.value;
  const held = into.contains(document.activeElement) ? document.activeElement.id : "";
  into.innerHTML = html;
  for (const each of into.querySelectorAll("input[type=radio]")) each.checked = chosen !== undefined && each.value === chosen;
  if (held) document.getElementById(held)?.focus();
}

/** Follow a stream until it ends or the page is left; a broken one is taken up again where it was. */
async function stream(element, page) {
  const control = new AbortController();
  streams.add(control);
  let last = "";
  let pause = 500;
  while (!control.signal.aborted && element.isConnected) {
    try {
      const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
      const answer = await ask(element.dataset.stream, { headers, signal: control.signal });
      if ([401, 403, 404].includes(answer.status)) {
        page.showTrouble("This page is not followed any more. Reload it.");
        return;
      }
      if (!answer.ok) throw new Away(String(answer.status));
      for await (const event of events(answer.body)) {
        pause = 500;
        if (event.id) last = event.id;
        if (event.name === "part") {
          const held = element.contains(document.activeElement) ? document.activeElement.id : "";
          element.innerHTML = event.data;
          enliven(element, page);
          if (held) document.getElementById(held)?.focus();
        } else if (event.name === "tell") page.tell(event.data);
        else if (event.name === "done") {
          streams.delete(control);
          if (event.data) page.go(event.data, { push: false, keepFocus: true });
          return;
        }
      }
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 15000);
  }
}

/** Read server-sent events from a body. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", data: [], id: "" };
      for (const line of block.split("\n")) {
        const [field, ...more] = line.split(":");
        const text = more.join(":").replace(/^ /, "");
        if (field === "event") event.name = text;
        else if (field === "data") event.data.push(text);
        else if (field === "id") event.id = text;
      }
      yield { ...event, data: event.data.join("\n") };
    }
  }
}

async function copy(button, page) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // frames may not be allowed the clipboard: select the text, and copy as a person would
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  page.tell("Copied");
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
}

async function download(event, link, page) {
  event.preventDefault();
  try {
    const answer = await ask(link.href);
    if (!answer.ok) throw new Away(String(answer.status));
    const made = URL.createObjectURL(await answer.blob());
    const anchor = document.createElement("a");
    anchor.href = made;
    anchor.download = link.dataset.download;
    anchor.dataset.plain = "";
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(made), 10000);
    page.tell("Downloaded");
  } catch {
    page.showTrouble("The file could not be fetched.", () => link.click());
  }
}

function uploads(zone, page) {
  const input = zone.querySelector("input[type=file]");
  const take = async (file) => {
    if (!file) return;
    page.tell(`Checking ${file.name}`);
    zone.setAttribute("aria-busy", "true");
    try {
      const headers = { "Content-Type": "application/octet-stream" };
      const answer = await ask(zone.dataset.upload, { method: "POST", body: file, headers });
      const html = await answer.text();
      const into = document.querySelector(zone.dataset.into);
      const fragment = new DOMParser().parseFromString(html, "text/html");
      const whole = fragment.getElementById("main");
      into.innerHTML = whole ? whole.innerHTML : html;
      enliven(into, page);
      into.querySelector("h2, h3, [role=alert]")?.focus();
      page.tell(into.querySelector("[data-tell]")?.dataset.tell || "The file was checked");
    } catch {
      page.showTrouble("The file could not be sent.", () => take(file));
    } finally {
      zone.removeAttribute("aria-busy");
      input.value = "";
    }
  };
  input.addEventListener("change", () => take(input.files[0]));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}
