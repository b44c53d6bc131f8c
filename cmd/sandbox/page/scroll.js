/**
 * Keeps a scrolled list where the reader has it, while what is in it comes, goes and changes its height.
 * @module
 */

const NEAR = 40; // pixels from the end that still count as being there

export class Scroll {
  #id;
  #element = null;
  #key = '';
  #kept = null; // an element in the list, and where it was before the page was drawn anew
  #seen = new ResizeObserver(() => this.#follow());

  /** Whether the reader is at the end, where news are seen as they come. */
  atEnd = true;

  /** @param {string} id of the element that scrolls; its data-key says which list it shows, its first child is the list */
  constructor(id) {
    this.#id = id;
  }

  /** To be called before the page is drawn. */
  before() {
    const element = this.#element;
    this.#kept = null;
    if (!element?.isConnected || this.atEnd) return;
    const top = element.getBoundingClientRect().top;
    for (const row of element.querySelectorAll('[data-row]')) {
      const box = row.getBoundingClientRect();
      if (box.bottom > top) {
        this.#kept = { row, top: box.top };
        return;
      }
    }
  }

  /** To be called once the page is drawn. */
  drawn() {
    const element = document.getElementById(this.#id);
    if (element !== this.#element) this.#watch(element);
    if (!element) return;
    if (this.#key !== element.dataset.key) {
      this.#key = element.dataset.key;
      this.toEnd();
    } else if (this.#kept?.row.isConnected) {
      element.scrollTop += this.#kept.row.getBoundingClientRect().top - this.#kept.top;
    }
  }

  /** Goes to the end, and stays there. */
  toEnd() {
    this.atEnd = true;
    this.#follow();
  }

  #watch(element) {
    this.#seen.disconnect();
    this.#element = element;
    this.#key = '';
    if (!element) return;
    element.addEventListener('scroll', () => {
      this.atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      if (this.atEnd) element.dispatchEvent(new Event('atend'));
    });
    // The window may change, pictures may come, a line of text may wrap: each without the page being drawn.
    this.#seen.observe(element);
    this.#seen.observe(element.firstElementChild);
  }

  #follow() {
    if (this.atEnd && this.#element) this.#element.scrollTop = this.#element.scrollHeight;
  }
}
