// What the server tells: the whole picture once, then what changes; a page that lags or was away fetches the whole again.
// Whoever gets no answer asks again after 1, 2, 4 ... 16 s, never at once: a server in trouble is not asked by all in a storm.
// With ?still it stays as it is at first, for a browser that only takes its picture.
const QUIET = 25000;
const PATIENCE = 30000;
const [FIRST, LONGEST] = [1000, 16000];

export class Picture {
  // changed(names of sections, whether all is new); heard(): something was told of the connection; refused(view): the server
  // cannot use what was asked for, and the newest is shown in its place.
  constructor({ changed, heard, refused, still = false }) {
    Object.assign(this, { changed, heard, refused, still, sections: {}, version: -1, view: { period: "day", start: null, until: null }, source: null, asked: 0, busy: false, retry: null, wait: FIRST, skew: 0, lost: null, last: Date.now() });
    setInterval(() => { if (this.source && !this.busy && Date.now() - this.last > QUIET) { this.miss(false); this.show(this.view); } }, 5000);
  }

  query(view = this.view) {
    const asked = new URLSearchParams({ period: view.period });
    if (view.start) asked.set("start", view.start);
    if (view.until) asked.set("until", view.until);
    return asked.toString();
  }

  // Show a view; of a past one nothing is live, yet the connection is kept to tell that it stands.
  async show(view) {
    Object.assign(this, { view, busy: true });
    clearTimeout(this.retry);
    this.retry = null;
    const mine = ++this.asked;
    const whole = await this.fetched(view);
    if (mine !== this.asked) return;
    if (whole === null) { this.miss(true); return; }
    if (whole.error) {
      this.refused(view);
      await this.show({ period: view.period, start: null, until: null });
      return;
    }
    this.take(whole);
    this.connect();
  }

  // The picture of a view; one that was refused as {error}, null if there is no answer.
  async fetched(view) {
    try {
      const answer = await fetch(`/data/picture?${this.query(view)}`, { signal: AbortSignal.timeout(PATIENCE) });
      const refused = answer.status === 400 && Boolean(view.start || view.until);
      return answer.ok || refused ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  take(whole) {
    const before = this.sections;
    Object.assign(this, { sections: whole.sections, version: whole.version, last: Date.now(), lost: null, busy: false });
    this.changed(Object.keys({ ...before, ...whole.sections }), true);
  }

  connect() {
    this.source?.close();
    if (this.still) return;
    const mine = this.source = new EventSource(`/data/events?period=${this.view.period}&version=${this.view.start ? "" : this.version}`);
    mine.addEventListener("beat", (event) => { this.told(); this.wait = FIRST; this.skew = JSON.parse(event.data).now - Date.now() / 1000; this.heard(); });
    mine.addEventListener("delta", (event) => { if (mine === this.source) this.apply(JSON.parse(event.data)); });
    mine.addEventListener("resync", () => { this.told(); if (!this.view.start && !this.busy) this.show(this.view); });
    mine.addEventListener("error", () => { if (mine === this.source) this.miss(mine.readyState === EventSource.CLOSED); });
  }

  apply(delta) {
    this.told();
    if (this.view.start) { this.heard(); return; }
    if (this.busy || delta.to <= this.version) return;
    if (delta.from !== this.version) { this.show(this.view); return; }
    this.version = delta.to;
    for (const [name, { set, gone = [] }] of Object.entries(delta.sections)) {
      const section = { ...this.sections[name], ...set };
      for (const key of gone) delete section[key];
      this.sections[name] = section;
    }
    this.changed(Object.keys(delta.sections), false);
  }

  told() {
    this.last = Date.now();
    if (this.lost !== null && !this.busy) this.show(this.view);
  }

  // No answer. again: nobody else will try, so this does, each time after twice as long; not all viewers in one moment.
  miss(again) {
    this.lost ??= Date.now();
    if (again && this.retry === null) {
      this.retry = setTimeout(() => this.show(this.view), this.wait * (0.75 + Math.random() / 2));
      this.wait = Math.min(2 * this.wait, LONGEST);
      this.busy = true;
    }
    this.heard();
  }
}
