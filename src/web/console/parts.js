// What scripts make: an element with a text, a table.

export const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

export function table(head, rows) {
  const made = element("table", undefined, "list");
  const line = element("tr");
  line.append(...head.map((name) => element("th", name)));
  const top = element("thead");
  top.append(line);
  const body = element("tbody");
  body.append(...rows.map((cells) => {
    const row = element("tr");
    row.append(...cells.map((cell) => {
      const made = element("td");
      made.append(cell);
      return made;
    }));
    return row;
  }));
  made.append(top, body);
  return made;
}

// What a request that would be sent makes of a ticket: its title and description, in words of any ticket system.
export function ticketOf(request) {
  const fields = request?.fields ?? request?.compositeRequest?.[0]?.body ?? {};
  return {
    title: fields.title ?? fields.Subject,
    html: fields.description,
    text: fields.Description,
  };
}
