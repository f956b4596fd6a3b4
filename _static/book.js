// Paper is white and cannot be unfolded: while it is printed, the page has the colours of the day
// and all its cells open.
{
  const page = document.documentElement;
  let theme, folded;
  addEventListener("beforeprint", () => {
    theme = page.dataset.theme;
    page.dataset.theme = "light";
    folded = document.querySelectorAll("article details:not([open])");
    for (const cell of folded) cell.open = true;
  });
  addEventListener("afterprint", () => {
    page.dataset.theme = theme;
    for (const cell of folded) cell.open = false;
  });
}

// A solution that a link leads to is open, as browsers do it for what stands inside of one.
{
  const open = () => {
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (found?.matches("details")) found.open = true;
  };
  addEventListener("hashchange", open);
  open();
}

// What a link leads to, shown beside it while it is pointed at or has the keyboard's focus: an
// equation, a figure, a listing, a table, a reference, a term. The page itself has it, or one of
// its templates, which _ext/previews.py has put there.
{
  const KINDS = "div.math, figure, div.citation, div.literal-block-wrapper, table, dt";
  const WAIT = 200; // milliseconds, in which a pointer may cross a link or come back to it
  const card = document.createElement("div");
  card.className = "lab-preview";
  card.popover = "manual";
  card.setAttribute("role", "tooltip");
  let timer;

  const find = (link) => {
    const address = link.getAttribute("href");
    if (!address.startsWith("#")) {
      return document.querySelector(`template[data-preview="${CSS.escape(address)}"]`)?.content.firstElementChild;
    }
    const found = document.getElementById(decodeURIComponent(address.slice(1)));
    return found?.matches(KINDS) ? found : found?.querySelector(":scope > figure, :scope > table");
  };

  const show = (link) => {
    const found = find(link);
    if (!found || link.closest(".lab-preview")) return;
    const copy = found.cloneNode(true);
    for (const named of [copy, ...copy.querySelectorAll("[id]")]) named.removeAttribute("id");
    for (const idle of copy.querySelectorAll(".headerlink, .copybtn")) idle.remove();
    for (const image of copy.querySelectorAll("img")) image.loading = "eager";
    card.replaceChildren(copy, ...(copy.matches("dt") && found.nextElementSibling ? [found.nextElementSibling.cloneNode(true)] : []));
    link.removeAttribute("title"); // which the browser would show as well
    card.showPopover();
    const place = link.getClientRects()[0], { width, height } = card.getBoundingClientRect();
    const above = place.top - height - 8;
    card.style.left = `${Math.max(8, Math.min(place.left, innerWidth - width - 8))}px`;
    card.style.top = `${above > 8 ? above : place.bottom + 8}px`;
  };
  const soon = (act) => { clearTimeout(timer); timer = setTimeout(act, WAIT); };
  const hide = () => { if (card.matches(":popover-open")) card.hidePopover(); };

  if (card.showPopover) {
    document.body.append(card);
    for (const link of document.querySelectorAll("article a.internal[href*='#']")) {
      link.addEventListener("pointerenter", ({ pointerType }) => { if (pointerType === "mouse") soon(() => show(link)); });
      link.addEventListener("pointerleave", () => soon(hide));
      link.addEventListener("focus", () => { if (link.matches(":focus-visible")) soon(() => show(link)); });
      link.addEventListener("blur", () => { clearTimeout(timer); hide(); }); // what comes next must not be covered
    }
    card.addEventListener("pointerenter", () => clearTimeout(timer));
    card.addEventListener("pointerleave", () => soon(hide));
    addEventListener("keydown", ({ key }) => { if (key === "Escape") { clearTimeout(timer); hide(); } });
  }
}
