// The list of renditions in the form media-chrome's quality menu expects on a media element.

/** An array of `{id, width, height, bitrate}` with `selectedIndex` (-1: automatic) that tells of its changes. */
export class Renditions extends Array {
  #target = new EventTarget();
  #selected = -1;
  onSelect = () => {};

  static get [Symbol.species]() {
    return Array;
  }

  get selectedIndex() {
    return this.#selected;
  }

  set selectedIndex(index) {
    if (index === this.#selected) return;
    this.#selected = index;
    this.onSelect(this[index] ?? null);
    this.#target.dispatchEvent(new Event("change"));
  }

  fill(list) {
    this.length = 0;
    this.#selected = -1;
    this.push(...list);
    this.#target.dispatchEvent(new Event(list.length ? "addrendition" : "removerendition"));
  }

  addEventListener(...args) {
    this.#target.addEventListener(...args);
  }

  removeEventListener(...args) {
    this.#target.removeEventListener(...args);
  }
}
