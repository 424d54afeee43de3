/** A short text for someone who has read of GANs once, and what to try. */

import { toLink } from "../configuration";
import { EXPERIMENTS } from "../experiments";

export function Lessons() {
  return (
    <section class="lessons" aria-labelledby="lessons">
      <h2 id="lessons">What happens here, and what to try</h2>
      <p>
        Two nets play against each other (Goodfellow et al. 2014). The <b>generator</b> turns random
        numbers z into examples; the <b>discriminator</b> is shown real examples and generated ones,
        and gives each a score: high for real. In each step both move their weights a little, the
        discriminator to tell the two apart, the generator to get a higher score. Watch the arrows:
        they point where the score rises, the longest where it rises most. Take single steps, or switch on slow motion, to see who
        moves what.
      </p>
      <p>
        What is drawn is the generator with averaged weights. On points the measure is the
        share of them that lie at a place of the data; on images it is FID, the distance between the
        features of 512 generated images and those of the test images: less is better, and the dashed
        line is what real images score.
      </p>
      <ol>
        {EXPERIMENTS.map(({ title, text, configuration }) => (
          <li key={title}>
            <a href={`#${toLink(configuration)}`}>{title}</a>. {text}
          </li>
        ))}
      </ol>
      <p>
        The address of this page holds your whole configuration: copy it to share what you built. A
        generator of images can be saved: <code>python -m experiments.sample playground.safetensors</code>{" "}
        draws from it, and <code>gm.load("playground.safetensors").evaluate()</code> measures it.
      </p>
    </section>
  );
}
