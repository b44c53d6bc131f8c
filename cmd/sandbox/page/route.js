/**
 * Where the page is, kept in the address behind the #: person/place/thread, such as U1/C2/1700000.0001. So a
 * reload and the browser's Back lead where they should. A place is a channel's id, or "home".
 * @module
 */

/** The place of the app's Home tab. */
export const HOME = 'home';

/**
 * @param {string} hash of location
 * @returns {{person: string, place: string, thread: string}}
 */
export function readRoute(hash) {
  const [person = '', place = '', thread = ''] = hash.replace(/^#/, '').split('/').map(decodeURIComponent);
  return { person, place, thread };
}

/**
 * @param {{person: string, place: string, thread: string}} route
 * @returns {string} a hash
 */
export function writeRoute({ person, place, thread }) {
  const parts = [person, place, thread].filter(Boolean);
  return `#${parts.map(encodeURIComponent).join('/')}`;
}
