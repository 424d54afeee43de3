// The images of a set, on sheets that are decoded when one of their images is asked for.

/** Functions that give an image's place on its sheet, or null until that is decoded; then `ready`. */
export function pictures(sets, { size: [height, width], columns, rows }, ready) {
  const each = columns * rows;
  const sheets = sets.map((set) => set.sheets.map(() => null));

  function sheet(s, number) {
    const found = sheets[s][number];
    if (found !== null) return found === "decoding" ? null : found;
    sheets[s][number] = "decoding";
    const image = new Image();
    image.src = `data:image/png;base64,${sets[s].sheets[number]}`;
    image.decode().then(() => {
      sheets[s][number] = image;
      ready();
    }, () => {}); // its images are not shown
    return null;
  }

  /** Paint an image of a set at a place, so large. */
  return function paint(context, s, point, left, top, [wide, high]) {
    const image = sheet(s, Math.floor(point / each));
    if (!image) return false;
    const place = point % each;
    const x = width * (place % columns);
    const y = height * Math.floor(place / columns);
    context.imageSmoothingEnabled = false;
    context.drawImage(image, x, y, width, height, left, top, wide, high);
    return true;
  };
}
