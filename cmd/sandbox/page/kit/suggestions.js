/**
 * What an app answers to what is typed into its menu
 * (https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload).
 * @module
 */
import { groupsOf } from './options.js';

/** How long a person may pause between two characters before the app is asked, in milliseconds. */
const PAUSE = 150;

/** An element that names no least length has this one. */
const LEAST = 3;

const SILENT = 'No results; the app did not answer in time';

export class Suggestions {
  #changed;
  #timer = 0;
  #asked = 0;

  /** What the app answered last; it stays until the next answer, so a menu does not flicker. */
  groups = [];
  loading = false;
  /** A sentence for the person, where there is nothing to show. */
  trouble = '';

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * The menu was opened (then the app is asked at once) or something was typed.
   *
   * @param {{element: Object, query: string, ask: (query: string) => Promise<Object>, atOnce: boolean}} what
   */
  want({ element, query, ask, atOnce }) {
    this.forget();
    this.trouble = '';
    const least = element.min_query_length ?? LEAST;
    if ([...query].length < least) {
      this.groups = [];
      this.trouble = `Type ${least === 1 ? 'a character' : `${least} characters`} or more to search`;
      return;
    }
    this.loading = true;
    const mine = this.#asked;
    this.#timer = setTimeout(() => this.#ask(() => ask(query), mine), atOnce ? 0 : PAUSE);
  }

  /** Nothing is waited for any more. */
  forget() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.loading = false;
  }

  async #ask(ask, mine) {
    let groups = [];
    let trouble = '';
    try {
      groups = groupsOf(await ask()).filter(({ choices }) => choices.length > 0);
    } catch (error) {
      trouble = error.message || SILENT;
    }
    // An answer to what was typed earlier comes too late, whatever it says.
    if (mine !== this.#asked) return;
    Object.assign(this, { groups, trouble, loading: false });
    this.#changed();
  }
}
