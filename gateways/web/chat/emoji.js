// A small picker of emoji; what is not here can be typed.
import { choose } from "./popover.js";

export const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "👏", "🔥", "🎉"];

const GROUPS = [
  "😀 😄 😂 🤣 😊 😍 😎 🤔 😮 😢 😭 😡 🙄 😴 🤯 🥳",
  "👍 👎 👏 🙌 🙏 👋 💪 🤝 👀 🫶 ✌️ 🤞 👌 🤷 🤦 💯",
  "❤️ 🧡 💛 💚 💙 💜 🖤 💔 ⭐ ✨ 🔥 🎉 🎬 🍿 🎵 🏆",
  "🐱 🐶 🦊 🐻 🐸 🌍 🌈 ☀️ 🌙 ❄️ 🍕 🍰 ☕ 🚀 ⚽ 🎮",
];
const COLUMNS = 8;

const NAMES = { "👍": "thumbs up", "❤️": "heart", "😂": "tears of joy", "😮": "surprised", "😢": "sad", "👏": "applause", "🔥": "fire", "🎉": "party" };

function buttons(list) {
  return list.map((emoji) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: emoji });
    button.dataset.value = emoji;
    button.setAttribute("aria-label", NAMES[emoji] ? `${emoji} ${NAMES[emoji]}` : emoji);
    return button;
  });
}

/** Resolves to an emoji, or undefined. */
export const pickEmoji = (anchor) => choose(anchor, {
  label: "Emoji", cls: "emoji-grid", columns: COLUMNS, role: "group",
  fill: (layer) => layer.append(...buttons(GROUPS.join(" ").split(" "))),
});

export const pickReaction = (anchor) => choose(anchor, {
  label: "Reactions", cls: "emoji-grid few", columns: COLUMNS, role: "group",
  fill: (layer) => layer.append(...buttons(REACTIONS)),
});
