from featurestore.batch cimport FeatureBatch
from service.request cimport PredictRequest
