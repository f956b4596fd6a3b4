// Moves the figures of lstm_lab.figures: on a page as a classic script, which also works from a file,
// and in a notebook as the head of a module, to which moving.py adds an export.

/**
 * Let the controls of a figure choose the frame that is seen.
 *
 * Frames are numbered in the order of all combinations, the last control changing fastest. Elements
 * of frame n have `data-frame="n"`: a sentence that is announced, tables, groups of an SVG.
 *
 * @param {HTMLElement} root - A `.lab-figure`.
 * @param {(value: Object<string, number>) => void} onChange - Gets the positions by name.
 * @returns {(value: Object<string, number>) => void} Moves the controls from outside.
 */
function enliven(root, onChange = () => {}) {
  const controls = [...root.querySelectorAll(".lab-control")].map((control) => ({
    input: control.querySelector("input, select"),
    labels: [...control.querySelectorAll("option")].map((option) => option.label),
    output: control.querySelector("output"),
  }));
  const parts = root.querySelectorAll("[data-frame]");

  const show = () => {
    let frame = 0;
    for (const { input, labels, output } of controls) {
      const position = Number(input.value);
      frame = frame * labels.length + position;
      if (output) {
        output.value = labels[position];
        input.setAttribute("aria-valuetext", labels[position]);
      }
    }
    for (const part of parts) part.style.display = Number(part.dataset.frame) === frame ? "" : "none";
  };

  const panel = root.querySelector(".lab-controls");
  panel.addEventListener("input", () => {
    show();
    onChange(Object.fromEntries(controls.map(({ input }) => [input.name, Number(input.value)])));
  });
  panel.hidden = false;
  show(); // a browser may have restored earlier positions

  return (value) => {
    for (const { input } of controls) input.value = value[input.name];
    show();
  };
}

/** Show a figure in a notebook, where Python follows its controls and answers questions. */
function render({ model, el }) {
  el.addEventListener("keydown", (event) => event.stopPropagation()); // not the notebook's keys
  el.innerHTML = model.get("markup");
  const move = enliven(el.querySelector(".lab-figure"), (value) => {
    model.set("value", value);
    model.save_changes();
  });
  const follow = () => move(model.get("value"));
  follow();
  model.on("change:value", follow);

  const field = el.querySelector(".lab-ask");
  const reply = () => { el.querySelector(".lab-answer").innerHTML = model.get("answer"); };
  if (field) {
    field.hidden = false;
    field.addEventListener("change", ({ target }) => {
      model.set("question", target.value);
      model.save_changes();
    });
    reply();
    model.on("change:answer", reply);
  }
  return () => {
    model.off("change:value", follow);
    model.off("change:answer", reply);
  };
}

// A module has no current script: the rest is for pages alone.
if (document.currentScript) {
  const enlivenAll = () => document.querySelectorAll(".lab-figure").forEach((root) => enliven(root));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enlivenAll);
  else enlivenAll();
}
