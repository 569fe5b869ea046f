/* What a link to this view says, and what its files are called. */

/* The address of a view: parameters that say nothing are left out. */
export function addressOf(page, parameters) {
  const address = new URL(new URL(page).pathname, page);
  for (const [name, value] of Object.entries(parameters)) {
    if (value ?? "") address.searchParams.set(name, value);
  }
  return address;
}

/* The name of a file, with η where the chart has one. */
export function fileName(name, eta) {
  return eta ? `${name}-eta-${eta}` : name;
}
