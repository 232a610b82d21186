// The folds of cross-validation that a run has measured, in its folder: what a stopped run does not do again.
#pragma once

#include <string>

#include "cairn/model/cross_validation.h"

namespace cairn {

// One file a fold, whole or absent, under `folder`/measured. A file that is damaged, or of other data,
// learner or build, is as good as none.
class FoldFiles : public FoldMemory {
 public:
  explicit FoldFiles(const std::string& folder) : folder_(folder + "/measured") {}
  bool recall(const std::string& of, int fold, FoldResult& result) const override;
  void keep(const std::string& of, int fold, const FoldResult& result) override;
  void clear() const;  // the run is done and needs them no more

 private:
  std::string file(const std::string& of, int fold) const;
  std::string folder_;
};

}  // namespace cairn
