/**
 * A list that hangs on a field. It stands in the browser's top layer, so nothing cuts it off: no scrolling message
 * list and no <dialog>.
 * @module
 */

/** Room that a list likes to have, and its distance from the field and from the window's edge, in CSS pixels. */
const WANTED = 300;
const WIDE = 280;
const NARROW = 160;
const GAP = 4;
const EDGE = 8;

export class Popup {
  #popup;
  #anchor;
  #dismiss;
  #onMove = () => this.place();
  #onPress = (event) => {
    const inside = event.composedPath();
    if (!inside.includes(this.#popup) && !inside.includes(this.#anchor)) this.#dismiss();
  };

  /**
   * @param {HTMLElement} popup  has popover="manual"
   * @param {HTMLElement} anchor
   * @param {() => void} dismiss  is called when the person presses elsewhere
   */
  constructor(popup, anchor, dismiss) {
    this.#popup = popup;
    this.#anchor = anchor;
    this.#dismiss = dismiss;
    popup.showPopover();
    this.place();
    window.addEventListener('scroll', this.#onMove, { capture: true, passive: true });
    window.addEventListener('resize', this.#onMove);
    window.visualViewport.addEventListener('resize', this.#onMove);
    document.addEventListener('pointerdown', this.#onPress, true);
  }

  close() {
    window.removeEventListener('scroll', this.#onMove, { capture: true });
    window.removeEventListener('resize', this.#onMove);
    window.visualViewport.removeEventListener('resize', this.#onMove);
    document.removeEventListener('pointerdown', this.#onPress, true);
    if (this.#popup.isConnected) this.#popup.hidePopover();
  }

  /**
   * Scrolls the list, and nothing but the list, to an element in it; with the first one to what stands above it.
   *
   * @param {HTMLElement|null} option
   * @param {boolean} isFirst
   */
  reveal(option, isFirst) {
    const popup = this.#popup;
    if (!option) return;
    const outer = popup.getBoundingClientRect();
    const inner = option.getBoundingClientRect();
    if (isFirst) popup.scrollTop = 0;
    else if (inner.top < outer.top) popup.scrollTop -= outer.top - inner.top;
    else if (inner.bottom > outer.bottom) popup.scrollTop += inner.bottom - outer.bottom;
  }

  /** Below the field, above where there is no room; never wider than the window. A keyboard on screen takes room. */
  place() {
    const field = this.#anchor.getBoundingClientRect();
    const { style } = this.#popup;
    const bottom = window.visualViewport.offsetTop + window.visualViewport.height;
    const below = bottom - field.bottom - GAP - EDGE;
    const above = field.top - GAP - EDGE;
    const flip = below < WANTED && above > below;
    // Under a wide field it is as wide as the field, under a narrow one as its words need.
    style.width = field.width >= WIDE ? `${field.width}px` : '';
    style.minWidth = `${Math.max(field.width, NARROW)}px`;
    style.maxHeight = `${Math.max(Math.min(flip ? above : below, WANTED), 88)}px`;
    style.top = flip ? 'auto' : `${field.bottom + GAP}px`;
    style.bottom = flip ? `${window.innerHeight - field.top + GAP}px` : 'auto';
    const room = document.documentElement.clientWidth - this.#popup.offsetWidth - EDGE;
    style.left = `${Math.max(Math.min(field.left, room), EDGE)}px`;
  }
}
