digraph G {
  rankdir=LR;
  smoking -> tar [label="burns"];
  tar -> cancer;
  smoking -> cancer [style=dashed, dir=both];
}
