// What the server tells: the whole picture once, then what changes; a page that lags or was away fetches the whole again.
// With ?still it stays as it is at first, for a browser that only takes its picture.
const QUIET = 25000;

export class Picture {
  constructor(changed, heard) {
    Object.assign(this, { changed, heard, sections: {}, version: -1, view: { period: "day", start: null, until: null }, source: null, asked: 0, skew: 0, lost: null, last: Date.now(), still: new URLSearchParams(location.search).has("still") });
    setInterval(() => { if (this.source && Date.now() - this.last > QUIET) this.reconnect(); }, 5000);
  }

  query(view = this.view) {
    const asked = new URLSearchParams({ period: view.period });
    if (view.start) asked.set("start", view.start);
    if (view.until) asked.set("until", view.until);
    return asked.toString();
  }

  // Show a view; of a past one nothing is live, yet the connection is kept to tell that it stands.
  async show(view) {
    this.view = view;
    const mine = ++this.asked;
    try {
      const answer = await fetch(`/data/picture?${this.query(view)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const whole = await answer.json();
      if (mine !== this.asked) return;
      const before = this.sections;
      this.sections = whole.sections;
      this.version = whole.version;
      this.last = Date.now();
      this.lost = null;
      this.changed(new Set(Object.keys({ ...before, ...whole.sections })), true);
    } catch (error) {
      if (mine === this.asked) this.miss();
    }
    if (mine === this.asked) this.connect();
  }

  connect() {
    this.source?.close();
    if (this.still) return;
    const mine = this.source = new EventSource(`/data/events?period=${this.view.period}&version=${this.view.start ? "" : this.version}`);
    mine.addEventListener("beat", (event) => { this.told(); this.skew = JSON.parse(event.data).now - Date.now() / 1000; this.heard(); });
    mine.addEventListener("delta", (event) => { if (mine === this.source) this.apply(JSON.parse(event.data)); });
    mine.addEventListener("resync", () => { this.told(); if (!this.view.start) this.show(this.view); });
    mine.addEventListener("error", () => this.miss());
  }

  reconnect() {
    this.miss();
    this.show(this.view);
  }

  apply(delta) {
    this.told();
    if (this.view.start) { this.heard(); return; }
    if (delta.to <= this.version) return;
    if (delta.from !== this.version) { this.show(this.view); return; }
    this.version = delta.to;
    for (const [name, { set, gone = [] }] of Object.entries(delta.sections)) {
      const section = { ...this.sections[name], ...set };
      for (const key of gone) delete section[key];
      this.sections[name] = section;
    }
    this.changed(new Set(Object.keys(delta.sections)), false);
  }

  told() {
    this.last = Date.now();
    if (this.lost === null) return;
    this.lost = null;
    this.show(this.view);
  }

  miss() {
    this.lost ??= Date.now();
    this.heard();
  }
}
