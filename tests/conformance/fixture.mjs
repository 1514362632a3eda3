// The server that the official conformance suites test, directly and through neurond.
//
// usage: node fixture.mjs legacy|modern | node fixture.mjs http   (prints its port)
import { serve } from "../peers/serve.mjs";
import { make } from "./fixture_names.mjs";

await serve(make, process.argv[2]);
