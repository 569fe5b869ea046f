/* The number beside a slider. Gradio would send 999 on and put it right later, in silence; and take
   an empty one for the least. Here it never leaves its range while it is typed, nor comes to mean
   something else when it is left. */

/* What a number that is being typed becomes: of one below the range more may follow. */
export function whileTyped(value, low, high) {
  if (value > high) return high;
  return value < Math.min(0, low) ? low : value; // a 1 may become a 12
}

/* What a number that was left becomes; NaN is an empty field. */
export function whenLeft(value, low, before) {
  if (Number.isNaN(value)) return before;
  return value < low ? low : value;
}
