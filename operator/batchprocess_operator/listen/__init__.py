"""What every listener of the operator has in common: nobody who connects can use the process up."""
