"""statsmodels: opentelemetry-instrument python examples/frameworks/statsmodels_script.py"""

import statsmodels.formula.api as smf
from sklearn.datasets import load_diabetes

frame = load_diabetes(as_frame=True).frame
fitted = smf.ols("target ~ bmi + bp", frame).fit()
print(fitted.predict(frame[:5]))
