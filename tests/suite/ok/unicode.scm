`blood pressure` → Schlaganfall
Größe ← Alter
Größe ↔ Schlaganfall
X' -> Schlaganfall
