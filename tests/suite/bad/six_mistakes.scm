dcm 2 "Six mistakes"
{age, genes} -> smoking -> tar -> cancer
age -> cancer
genes <-> genes
smoking, tar: binry
cancer: categorical {no, yes, no}
age: int[90..18]
query effect: P(cancer = maybe | do(smokng = 1))
