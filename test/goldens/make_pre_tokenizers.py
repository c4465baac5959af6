import json
from tokenizers import pre_tokenizers as p, Regex
def J(o): return json.loads(o.__getstate__().decode()) if hasattr(o,'__getstate__') else None
T=["Hello  world, it's 12 o'clock!","a<m>b ²½٣ x","  ▁ two","","日本、語 x\u0085y\ufeffz","--a--"]
cases=[]
def add(o):
    cfg=json.loads(o.__getstate__())
    cases.append({"settings":cfg,"words":[[w for w,_ in o.pre_tokenize_str(t)] for t in T]})
for b in ["removed","isolated","merged_with_previous","merged_with_next","contiguous"]:
    for inv in [False,True]:
        add(p.Split(" ",b,invert=inv)); add(p.Split(Regex("[a-z]+|-"),b,invert=inv))
    add(p.Punctuation(b))
for o in [p.Digits(True),p.Digits(False),p.Whitespace(),p.WhitespaceSplit(),p.BertPreTokenizer(),p.CharDelimiterSplit("-"),p.FixedLength(3),
  p.Metaspace(),p.Metaspace(prepend_scheme="never"),p.Metaspace(prepend_scheme="first",split=False),p.Metaspace(replacement="_"),
  p.ByteLevel(),p.ByteLevel(add_prefix_space=False,use_regex=False),p.ByteLevel(add_prefix_space=False),
  p.Sequence([p.Digits(True),p.Metaspace(prepend_scheme="first")]),p.Sequence([p.Split(Regex("\\s+"),"isolated"),p.Punctuation("contiguous"),p.ByteLevel(add_prefix_space=True,use_regex=False)])]:
    add(o)
print(json.dumps({"texts":T,"cases":cases},ensure_ascii=False))
