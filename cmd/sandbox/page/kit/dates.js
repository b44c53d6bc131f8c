/**
 * Slack's dates (https://docs.slack.dev/messaging/formatting-message-text#date-formatting), in the reader's zone;
 * those that say how long ago keep counting.
 * @module
 */
import { html } from '../vendor/lit-html.js';
import { link } from './links.js';

const DAY = 86400;

const formats = new Map();

/** Making a format costs a hundred times what using it does, and dates count every second. */
function formatIn(tz) {
  if (!formats.has(tz)) {
    const day = { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' };
    const time = { hour: 'numeric', minute: '2-digit', second: '2-digit' };
    formats.set(tz, {
      long: new Intl.DateTimeFormat('en-US', { timeZone: tz, ...day, ...time }),
      short: new Intl.DateTimeFormat('en-US', { timeZone: tz, month: 'short' }),
      number: new Intl.DateTimeFormat('en-CA', { timeZone: tz, year: 'numeric', month: '2-digit', day: '2-digit' }),
    });
  }
  return formats.get(tz);
}

function ordinal(day) {
  const tens = day % 100;
  const suffix = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th');
  return `${day}${suffix}`;
}

function ago(passed) {
  const seconds = Math.abs(passed);
  const [unit, size] = [
    ['day', DAY],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ].find(([, s]) => seconds >= s) ?? ['second', 1];
  const n = Math.floor(seconds / size);
  const many = `${n} ${unit}${n === 1 ? '' : 's'}`;
  return passed < 0 ? `in ${many}` : `${many} ago`;
}

/**
 * Fills in the tokens of a date. Times are in seconds since 1970.
 *
 * @param {string} format
 * @param {number} seconds
 * @param {number} now
 * @param {string} tz
 */
export function formatDate(format, seconds, now, tz) {
  const { long, short, number } = formatIn(tz);
  const at = new Date(seconds * 1000);
  const dayOf = (other) => number.format(new Date(other * 1000));
  const parts = (of) => Object.fromEntries(long.formatToParts(of).map(({ type, value }) => [type, value]));
  const days = () => ({ [dayOf(now)]: 'today', [dayOf(now - DAY)]: 'yesterday', [dayOf(now + DAY)]: 'tomorrow' });
  const near = () => days()[dayOf(seconds)];
  const isThisYear = (p) => parts(new Date(now * 1000)).year === p.year;
  const yearless = (p) => `${p.weekday}, ${p.month} ${ordinal(Number(p.day))}`;
  const words = {
    date_num: () => dayOf(seconds),
    date_slash: () => dayOf(seconds).replace(/^(\d+)-(\d+)-(\d+)$/, '$2/$3/$1'),
    date: (p) => `${p.month} ${ordinal(Number(p.day))}, ${p.year}`,
    date_long: (p) => `${yearless(p)}, ${p.year}`,
    date_long_full: (p) => `${p.month} ${p.day}, ${p.year}`,
    date_short: (p) => `${short.format(at)} ${p.day}, ${p.year}`,
    date_pretty: (p) => near() ?? words.date(p),
    date_long_pretty: (p) => near() ?? words.date_long(p),
    date_short_pretty: (p) => near() ?? words.date_short(p),
    day_divider_pretty: (p) => near() ?? (isThisYear(p) ? yearless(p) : words.date_long(p)),
    time: (p) => `${p.hour}:${p.minute} ${p.dayPeriod}`,
    time_secs: (p) => `${p.hour}:${p.minute}:${p.second} ${p.dayPeriod}`,
    ago: () => ago(Math.floor(now) - seconds),
  };
  return format.replace(/\{(\w+)\}/g, (token, name) => (Object.hasOwn(words, name) ? words[name](parts(at)) : token));
}

/** The dates on the page that change with time; one clock moves them. */
const moving = new Set();
let clock = 0;

/** A date that keeps itself true. It is an element of its own so that nothing else is drawn anew each second. */
class SlackDate extends HTMLElement {
  #of;

  /** @param {{format: string, seconds: number, tz: string}} of */
  set of(of) {
    this.#of = of;
    this.draw();
  }

  connectedCallback() {
    moving.add(this);
    clock ||= setInterval(() => moving.forEach((one) => one.draw()), 1000);
  }

  disconnectedCallback() {
    moving.delete(this);
    if (moving.size > 0) return;
    clearInterval(clock);
    clock = 0;
  }

  draw() {
    const { format, seconds, tz } = this.#of;
    const now = Date.now() / 1000;
    const words = formatDate(format, seconds, now, tz);
    if (words === this.textContent) return;
    this.textContent = words;
    this.title = formatDate('{date_long} at {time_secs}', seconds, now, tz);
  }
}

customElements.define('kit-date', SlackDate);

/**
 * @param {{timestamp: number, format: string, url?: string, fallback?: string}} date
 * @param {import('./blocks.js').Ctx} ctx
 */
export function date({ timestamp, format, url, fallback }, ctx) {
  // Beyond this a Date cannot count, and Slack shows the fallback too.
  if (!format || !(Math.abs(timestamp) <= 8.64e12)) return fallback ?? '';
  const shown = html`<kit-date .of=${{ format, seconds: timestamp, tz: ctx.tz }}></kit-date>`;
  return url ? link(url, shown) : shown;
}
