// Files may be dropped anywhere on the page.

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Calls `onFiles(files)` for a drop and `onOver(bool)` as files hover over the window. Returns a remover. */
export function dropAnywhere({ onFiles, onOver }) {
  let depth = 0;
  const over = (value) => {
    depth = value;
    onOver(depth > 0);
  };
  const handlers = {
    dragenter: () => over(depth + 1),
    dragleave: () => over(Math.max(0, depth - 1)),
    dragover: (event) => {
      event.dataTransfer.dropEffect = "copy";
    },
    drop: (event) => {
      over(0);
      onFiles([...event.dataTransfer.files]);
    },
  };
  const listen = (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    handlers[event.type](event);
  };
  const names = Object.keys(handlers);
  names.forEach((name) => addEventListener(name, listen));
  return () => names.forEach((name) => removeEventListener(name, listen));
}
