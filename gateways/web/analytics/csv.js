// A panel's rows as a file.

const FORMULA = /^[=+\-@\t\r\n]/; // a spreadsheet would run it

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `columns` are names, `rows` lists of values as they are (numbers unformatted, times as ISO text). */
export const csvOf = (columns, rows) => [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");

export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
