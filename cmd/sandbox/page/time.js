/**
 * Times as Slack words them, and ages that stay true while they are looked at.
 * @module
 */

const clock = new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit' });
const full = new Intl.DateTimeFormat('en-US', { dateStyle: 'full', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat('en-US', { weekday: 'long', month: 'long', day: 'numeric' });
const withYear = new Intl.DateTimeFormat('en-US', { month: 'long', day: 'numeric', year: 'numeric' });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {string} ts of a message */
export const dateOf = (ts) => new Date(Number(ts) * 1000);

/** "9:41 AM" @param {Date} date */
export const clockTime = (date) => clock.format(date);

/** The whole date, for a title. @param {Date} date */
export const fullTime = (date) => full.format(date);

/** A key that two dates of the same day share. @param {Date} date */
export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;

/**
 * "Today", "Yesterday", "Monday, June 3", or "June 3, 2024".
 * @param {Date} date
 */
export function dayName(date) {
  const now = new Date();
  if (dayKey(date) === dayKey(now)) return 'Today';
  if (dayKey(date) === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return 'Yesterday';
  return (date.getFullYear() === now.getFullYear() ? weekday : withYear).format(date);
}

/** "today at 9:42 AM", as the line of replies says it. @param {Date} date */
export function dayAndTime(date) {
  const day = dayName(date);
  return `${day === 'Today' || day === 'Yesterday' ? day.toLowerCase() : day} at ${clockTime(date)}`;
}

/** "2 min ago" @param {string} iso an RFC 3339 time */
export function age(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < MINUTE) return `${Math.floor(seconds / 10) * 10} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} d ago`;
}

/** "18 s left", or "" when it is over. @param {string} iso */
export function left(iso) {
  const seconds = Math.ceil((Date.parse(iso) - Date.now()) / 1000);
  return seconds > 0 ? `${seconds} s left` : '';
}

/** "1m 05s" @param {number} seconds whole ones */
export function took(seconds) {
  const minutes = Math.floor(seconds / MINUTE);
  return minutes ? `${minutes}m ${String(seconds % MINUTE).padStart(2, '0')}s` : `${seconds}s`;
}

/** What an element with data-clock says, by the attribute's value; its datetime attribute is the time. */
const faces = { age, left };

/**
 * Brings the text of every element with data-clock up to date once a second: a page that only waits has nothing
 * else to draw. Templates write the same text by .textContent, which takes no notice of this.
 */
export function startClocks() {
  setInterval(() => {
    for (const element of document.querySelectorAll('[data-clock]')) {
      const text = faces[element.dataset.clock](element.getAttribute('datetime'));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 1000);
}
