X -> Y
X, Y: binary
data nowhere = "../data/xyz.csv"
data empty = "../data/empty.csv"
data word = "../data/notes.docx"
data cells = "../data/bad_cells.csv"
data named = "../data/extra.csv" { columns: { X, Y: "y" } }
data set = "../data/xy.csv" do(X = 1)
data counts = "../data/xy.csv" { weight: count, where: group == "a" }
