[(truth) (train) (block) (table_block) (data) (declaration) (set)] @fold
