import { render } from "preact";

import "../../gen_models/webpage/style.css";
import { App } from "./interface/App";
import "./style.css";

render(<App />, document.getElementById("playground")!);
